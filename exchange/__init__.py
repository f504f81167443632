"""The house: referrals are sent, answered, closed, remembered, told."""
