"""The nouns: what was said, asked, decided and promised. Everything durable is here, and nothing that decides."""
