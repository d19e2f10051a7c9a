#include <cstring>
bool Sample(const char* a, const char* b) {
  if (std::strcmp(a, b)) return true;
  return false;
}
