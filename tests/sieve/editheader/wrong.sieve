require ["editheader", "encoded-character"];
addheader "X Name" "value";
# A bell is what old messages may have; a zero octet is not taken.
addheader "X-Name" "bell ${hex:07}";
addheader "X-Name" "zero ${hex:00}";
deleteheader :last "X-Name";
