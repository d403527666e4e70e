#include "engine/onednn/plan.h"

#include <gtest/gtest.h>

#include <random>

namespace prefiqs::engine::onednn {
namespace {

TEST(PlaceBuffers, ReusesWhatIsNoLongerNeeded) {
  std::vector<Buffer> chain{{100, 0, 1, 0}, {100, 1, 2, 0}, {100, 2, 3, 0}, {100, 3, 4, 0}};
  EXPECT_EQ(PlaceBuffers(chain), 256u);
}

TEST(PlaceBuffers, NeverOverlapsWhatLivesAtTheSameTime) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<Buffer> buffers;
    for (int i = 0; i < 60; ++i) {
      const int first = static_cast<int>(random() % 40);
      buffers.push_back({random() % 5000, first, first + static_cast<int>(random() % 10), 0});
    }
    const std::size_t total = PlaceBuffers(buffers);
    for (const Buffer& a : buffers) {
      EXPECT_EQ(a.offset % 64, 0u);
      EXPECT_LE(a.offset + a.bytes, total);
      for (const Buffer& b : buffers) {
        if (&a == &b || a.last_step < b.first_step || b.last_step < a.first_step) continue;
        EXPECT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset || a.bytes == 0 || b.bytes == 0);
      }
    }
  }
}

class Heavy : public Step {
 public:
  explicit Heavy(std::size_t bytes, bool prefers_company = false) : bytes_(bytes), prefers_company_(prefers_company) {}
  Bound Bind(const Arena&, const dnnl::engine&) const override { return {}; }
  std::size_t ConstantBytes() const override { return bytes_; }
  bool PrefersCompany() const override { return prefers_company_; }
  Traffic Buffers() const override { return {}; }

 private:
  std::size_t bytes_;
  bool prefers_company_;
};

TEST(Stretches, HoldWhatFitsInTheCacheTogether) {
  std::vector<std::unique_ptr<const Step>> steps;
  for (const std::size_t bytes : {40, 60, 0, 1, 500, 0, 30, 70, 30}) steps.push_back(std::make_unique<Heavy>(bytes));
  EXPECT_EQ(Stretches(steps, 100), (std::vector<std::size_t>{3, 4, 6, 8, 9}));
  EXPECT_EQ(Stretches(steps, 1000), (std::vector<std::size_t>{9}));
}

TEST(Stretches, LeaveWhatPrefersCompanyByItself) {
  std::vector<std::unique_ptr<const Step>> steps;
  for (const bool prefers_company : {true, false, false, true, true, false}) {
    steps.push_back(std::make_unique<Heavy>(1, prefers_company));
  }
  EXPECT_EQ(Stretches(steps, 1000), (std::vector<std::size_t>{1, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace prefiqs::engine::onednn
