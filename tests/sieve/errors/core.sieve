require ["fileinto", "nothing"];
frobnicate;
fileinto;
fileinto "a" "b";
if true;
else { keep; } else { keep; }
stop { keep; }
if header :comparator "i;nothing" "a" "b" { }
if size :over "1K" { }
keep "x";
