// Paillier
