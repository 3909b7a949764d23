require "vacation-seconds";
vacation :days 1 :seconds 1800 "Away.";
