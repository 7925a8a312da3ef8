// PrivateLearning
