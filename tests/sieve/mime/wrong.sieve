require ["foreverypart", "extracttext", "variables", "mime"];
break;
foreverypart { break :name "nobody"; }
extracttext "a";
if header :type "Content-Type" "text" { stop; }
