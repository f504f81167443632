"""The library: which agencies offer which services, where, and for whom."""
