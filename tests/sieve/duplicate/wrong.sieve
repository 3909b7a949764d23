require "duplicate";
if duplicate :header "x" :uniqueid "y" { stop; }
if duplicate :header "no name:" { stop; }
if duplicate :seconds "60" { stop; }
