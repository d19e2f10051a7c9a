#define ASSAY_TWICE(x) x * 2
int Sample() {
  return ASSAY_TWICE(1);
}
