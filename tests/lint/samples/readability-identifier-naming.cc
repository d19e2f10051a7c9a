class sample_class {
 public:
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_ = 0;
};
