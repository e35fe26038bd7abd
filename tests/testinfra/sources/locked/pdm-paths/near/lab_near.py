WHERE = "near"
