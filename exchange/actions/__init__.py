"""What can be done: one action per file, one public function of that name, never commits."""
