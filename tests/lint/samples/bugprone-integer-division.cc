double Sample(int part, int whole) {
  return part / whole;
}
