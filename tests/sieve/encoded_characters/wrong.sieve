require "encoded-character";
if header "Subject" "${unicode:200000}" { stop; }
if header "Subject" "${Unicode:DF01}" { stop; }
