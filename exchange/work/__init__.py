"""What happens later: the relay, the clocks."""
