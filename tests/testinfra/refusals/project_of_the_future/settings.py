SECRET_KEY = "never-used"
