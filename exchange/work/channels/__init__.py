"""How a message leaves the house: one file per channel, each raising one of two families of failure."""
