require ["reject", "ereject"];
reject "No.";
ereject "Never.";
