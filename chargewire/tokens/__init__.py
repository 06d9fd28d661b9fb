"""Id tokens: who may charge, and who tried in vain."""
