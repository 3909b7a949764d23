fileinto "x";
if envelope "from" "x" { stop; }
if header :comparator "i;ascii-numeric" "a" "1" { stop; }
redirect :copy "a@example.com";
