WHERE = "far"
