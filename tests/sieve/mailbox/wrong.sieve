require ["fileinto", "special-use"];
fileinto :specialuse "Archive" "x";
