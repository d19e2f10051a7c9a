void Wait(int timeout_ms);
void Sample() {
  Wait(/*retries=*/3);
}
