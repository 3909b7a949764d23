require "ihave";
error "Not for me.";
