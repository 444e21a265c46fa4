"""Sessions: whatever starts or ends them, the tokens they are carried in, and the keys those are signed with."""
