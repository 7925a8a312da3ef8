// ModularArithmetic
