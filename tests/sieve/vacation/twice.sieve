require "vacation";
vacation "Away.";
vacation "Still away.";
