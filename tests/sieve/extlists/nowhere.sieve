require ["extlists", "copy"];
redirect :copy :list "tag:example.com,2010-05-28:nowhere";
