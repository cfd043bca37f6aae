"""The vision-language network that reads prompts and source pictures."""
