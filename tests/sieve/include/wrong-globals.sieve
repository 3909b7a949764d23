require ["include", "variables"];
set "a" "x";
global "a";
global ["b", "c d"];
