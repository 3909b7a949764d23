require "replace";
replace "1";
replace "2";
replace "3";
replace "4";
replace "5";
