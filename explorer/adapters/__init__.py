"""Other people's published tokenizers: a file in, a Tokenizer out; one module per family."""
