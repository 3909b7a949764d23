require ["editheader", "encoded-character"];
addheader "X Name" "value";
addheader "X-Name" "bell ${hex:07}";
deleteheader :last "X-Name";
