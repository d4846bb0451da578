"""Names, class hierarchy across files, and the model of one nn.Module class."""
