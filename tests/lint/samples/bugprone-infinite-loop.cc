void Sample() {
  int i = 0;
  int j = 0;
  while (i < 10) {
    ++j;
  }
}
