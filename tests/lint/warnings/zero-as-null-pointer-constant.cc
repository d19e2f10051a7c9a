int* Sample() {
  return 0;
}
