require ["include", "variables"];
global "i_am_on_vacation";
set "local" "x";
set "i_am_on_vacation" "1";
