"""Sign-in with other providers, against providers in processes of their own."""
