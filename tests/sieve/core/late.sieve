require ["fileinto", "comparator-i;octet"];
keep;
require "vacation";
