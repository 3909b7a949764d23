require ["include"];
include :personal "always_allow";
include :global "spam_tests";
include :personal "spam_tests";
