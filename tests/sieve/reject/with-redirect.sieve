require ["ereject", "copy"];
redirect :copy "a@example.com";
ereject "No.";
