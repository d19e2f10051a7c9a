struct Point {
  int x;
  int y;
};
int Sample(Point* points) {
  return static_cast<int>(sizeof(points) / sizeof(points[0]));
}
