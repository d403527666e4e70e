#include "engine/tiles.h"

#include <cmath>
#include <limits>
#include <ostream>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefiqs::engine {

void PrintTo(const TileShape& s, std::ostream* out) {
  *out << s.x.height << 'x' << s.x.width << ", " << s.x.channels << " to " << s.filters << ", step " << s.step
       << ", side " << s.side;
}

namespace {

using Halves = std::vector<std::uint16_t>;

std::uint16_t Rounded(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}
float Widened(std::uint16_t half) { return __builtin_bit_cast(float, static_cast<std::uint32_t>(half) << 16); }

std::size_t PositionOf(const TilePicture& picture, std::int64_t row, std::int64_t column, std::int64_t channel) {
  const std::int64_t position = (row + 1) * (picture.width + 1) + column + 1;
  return static_cast<std::size_t>(channel / 32 * picture.plane() + position * 32 + channel % 32);
}

class Random {
 public:
  std::vector<float> Floats(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = normal_(engine_);
    return values;
  }
  // Exact in bfloat16.
  std::vector<float> Short(std::int64_t count) {
    std::vector<float> values = Floats(count);
    for (float& value : values) value = Widened(Rounded(value));
    return values;
  }

 private:
  std::mt19937 engine_{7};
  std::normal_distribution<float> normal_;
};

ChannelFunction SomeFunction(Random& random, std::int64_t channels) {
  ChannelFunction f = ChannelFunction::Identity(static_cast<std::size_t>(channels));
  f.scale = random.Floats(channels);
  f.shift = random.Floats(channels);
  f.slope = random.Floats(channels);
  f.post_scale = random.Floats(channels);
  f.post_shift = random.Floats(channels);
  return f;
}

double Apply(const ChannelFunction& f, std::size_t c, double x) {
  const auto at = [c](const std::vector<float>& values) { return static_cast<double>(values[c]); };
  const double t = x * at(f.scale) + at(f.shift);
  return (t > 0 ? t : t * at(f.slope)) * at(f.post_scale) + at(f.post_shift);
}

Halves Spoilt(const TilePicture& picture) { return Halves(picture.size(), 0x7FC0); }  // no numbers

// Nothing but pixels may be other than zero.
void ExpectZerosAround(const TilePicture& picture, const Halves& y) {
  std::vector<bool> is_pixel(y.size());
  for (std::int64_t row = 0; row < picture.height; ++row) {
    for (std::int64_t column = 0; column < picture.width; ++column) {
      for (std::int64_t c = 0; c < picture.channels; ++c) is_pixel[PositionOf(picture, row, column, c)] = true;
    }
  }
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (!is_pixel[i]) {
      ASSERT_EQ(y[i], 0) << i;
    }
  }
}

TEST(TilePicture, HoldsTheFunctionOfEveryPixelAndZerosAround) {
  if (!HasTiles()) GTEST_SKIP() << "needs AMX";
  Random random;
  const TilePicture picture{3, 5, 64};
  constexpr std::int64_t kPixels = 15;
  const std::vector<float> x = random.Short(kPixels * picture.channels);
  Halves x_rounded;
  for (const float value : x) x_rounded.push_back(Rounded(value));
  const ChannelFunction f = SomeFunction(random, picture.channels);
  for (const ChannelForm form : {ChannelForm::kFloat, ChannelForm::kBf16}) {
    for (const ChannelRows& rows : {ChannelRows{1, 1, kPixels, 64}, ChannelRows{1, 4, kPixels, 16}}) {
      Halves y = Spoilt(picture);
      RunToTiles(f, {rows, form, 5, 1},
                 form == ChannelForm::kFloat ? static_cast<const void*>(x.data()) : x_rounded.data(), picture,
                 y.data());
      for (std::int64_t pixel = 0; pixel < kPixels; ++pixel) {
        for (std::int64_t c = 0; c < picture.channels; ++c) {
          const std::int64_t from = rows.blocks == 1 ? pixel * 64 + c : (c / 16 * kPixels + pixel) * 16 + c % 16;
          const double expected =
              Apply(f, static_cast<std::size_t>(c), static_cast<double>(x[static_cast<std::size_t>(from)]));
          const float actual = Widened(y[PositionOf(picture, pixel / 5, pixel % 5, c)]);
          ASSERT_NEAR(static_cast<double>(actual), expected, std::fabs(expected) / 256 + 1e-6) << pixel << ' ' << c;
        }
      }
      ExpectZerosAround(picture, y);
    }
  }
}

class Case {
 public:
  Case(const TileShape& shape, std::size_t images) : shape_(shape), y_(shape.y()) {
    weights = random_.Short(shape.filters * shape.x.channels * shape.side * shape.side);
    for (std::size_t i = 0; i < images; ++i) {
      x.push_back(random_.Short(shape.x.height * shape.x.width * shape.x.channels));
      added.push_back(random_.Floats(y_.height * y_.width * y_.channels));
      pictures_.push_back(Spoilt(shape.x));
      const ChannelRows rows{1, 1, shape.x.height * shape.x.width, shape.x.channels};
      RunToTiles(ChannelFunction::Identity(static_cast<std::size_t>(shape.x.channels)),
                 {rows, ChannelForm::kFloat, shape.x.width, 1}, x.back().data(), shape.x, pictures_.back().data());
    }
    some_ = SomeFunction(random_, shape.filters);
    sum_ = ChannelFunction::Identity(static_cast<std::size_t>(shape.filters));
    sum_.shift = random_.Floats(shape.filters);
  }

  const ChannelFunction& Function(bool only_adds) const { return only_adds ? sum_ : some_; }

  std::vector<std::vector<float>> Floats(std::size_t first, std::size_t count, bool only_adds, bool sums) const {
    std::vector<std::vector<float>> y(added.begin() + static_cast<std::ptrdiff_t>(first),
                                      added.begin() + static_cast<std::ptrdiff_t>(first + count));
    std::vector<TileImage> images;
    for (std::size_t i = 0; i < count; ++i) {
      images.push_back({pictures_[first + i].data(), sums ? y[i].data() : nullptr, y[i].data()});
    }
    RunTiles(shape_, images, Packed().data(), Function(only_adds), TileResult::kFloat);
    return y;
  }

  std::vector<Halves> Rounded(TileResult result) const {
    std::vector<Halves> y(x.size(), result == TileResult::kPicture ? Spoilt(y_) : Halves(added[0].size()));
    std::vector<TileImage> images;
    for (std::size_t i = 0; i < y.size(); ++i) images.push_back({pictures_[i].data(), nullptr, y[i].data()});
    RunTiles(shape_, images, Packed().data(), Function(false), result);
    return y;
  }

  // As the definition has it, in double.
  std::vector<double> Expected(std::size_t image, bool only_adds, bool sums) const {
    const std::int64_t taps = shape_.side * shape_.side;
    std::vector<double> y;
    for (std::int64_t pixel = 0; pixel < y_.height * y_.width; ++pixel) {
      for (std::int64_t f = 0; f < shape_.filters; ++f) {
        double sum = 0;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          const std::int64_t row = pixel / y_.width * shape_.step + tap / shape_.side - shape_.side / 2;
          const std::int64_t column = pixel % y_.width * shape_.step + tap % shape_.side - shape_.side / 2;
          if (row < 0 || row >= shape_.x.height || column < 0 || column >= shape_.x.width) continue;
          for (std::int64_t c = 0; c < shape_.x.channels; ++c) {
            const auto w = static_cast<std::size_t>((f * shape_.x.channels + c) * taps + tap);
            const auto at = static_cast<std::size_t>((row * shape_.x.width + column) * shape_.x.channels + c);
            sum += static_cast<double>(weights[w]) * static_cast<double>(x[image][at]);
          }
        }
        const double value = Apply(Function(only_adds), static_cast<std::size_t>(f), sum);
        y.push_back(value + (sums ? static_cast<double>(added[image][y.size()]) : 0.0));
      }
    }
    return y;
  }

  std::vector<float> weights;  // filters × channels × 3 × 3
  std::vector<std::vector<float>> x, added;

 private:
  Halves Packed() const {
    Halves packed(weights.size());
    const std::int64_t channels = shape_.x.channels, taps = shape_.side * shape_.side;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      const std::int64_t f = at / (channels * taps), c = at / taps % channels, tap = at % taps;
      const std::int64_t tile = (f / 16 * (channels / 32) + c / 32) * taps + tap;
      const std::int64_t to = ((tile * 16 + c % 32 / 2) * 16 + f % 16) * 2 + c % 2;
      packed[static_cast<std::size_t>(to)] = engine::Rounded(weights[i]);
    }
    return packed;
  }

  TileShape shape_;
  TilePicture y_;
  Random random_;
  ChannelFunction some_, sum_;
  std::vector<Halves> pictures_;
};

class TileShapes : public testing::TestWithParam<TileShape> {};

// A usual one of them.
double Scale(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

TEST_P(TileShapes, AreAsTheDefinitionSays) {
  if (!HasTiles()) GTEST_SKIP() << "needs AMX";
  constexpr std::size_t kImages = 3;
  const Case sample(GetParam(), kImages);
  for (const bool only_adds : {false, true}) {
    for (const bool sums : {false, true}) {
      const auto actual = sample.Floats(0, kImages, only_adds, sums);
      for (std::size_t i = 0; i < kImages; ++i) {
        const std::vector<double> expected = sample.Expected(i, only_adds, sums);
        ASSERT_EQ(actual[i].size(), expected.size());
        // Sums one after the other of up to 4608 products.
        const double bound = 1e-5 * Scale(expected);
        for (std::size_t k = 0; k < expected.size(); ++k) {
          const double difference = std::fabs(static_cast<double>(actual[i][k]) - expected[k]);
          ASSERT_LE(difference, bound) << i << ' ' << k;
        }
      }
    }
  }
}

TEST_P(TileShapes, AreRoundedOnceAndLieAsAsked) {
  if (!HasTiles()) GTEST_SKIP() << "needs AMX";
  constexpr std::size_t kImages = 2;
  const Case sample(GetParam(), kImages);
  const auto floats = sample.Floats(0, kImages, false, false);
  const auto rows = sample.Rounded(TileResult::kBf16), pictures = sample.Rounded(TileResult::kPicture);
  const TilePicture y = GetParam().y();
  for (std::size_t i = 0; i < kImages; ++i) {
    for (std::size_t k = 0; k < floats[i].size(); ++k) {
      ASSERT_EQ(rows[i][k], Rounded(floats[i][k])) << k;
      const auto at = static_cast<std::int64_t>(k);
      const std::int64_t pixel = at / y.channels;
      ASSERT_EQ(pictures[i][PositionOf(y, pixel / y.width, pixel % y.width, at % y.channels)], rows[i][k]) << k;
    }
    ExpectZerosAround(y, pictures[i]);
  }
}

TEST_P(TileShapes, DoNotDependOnCompany) {
  if (!HasTiles()) GTEST_SKIP() << "needs AMX";
  constexpr std::size_t kImages = 9;
  const Case sample(GetParam(), kImages);
  const auto together = sample.Floats(0, kImages, false, true);
  for (std::size_t i = 0; i < kImages; ++i) EXPECT_EQ(sample.Floats(i, 1, false, true).front(), together[i]) << i;
}

// Tiles of rows and across them, one tile and odd numbers of them, parts of a row, one plane and several, two steps.
INSTANTIATE_TEST_SUITE_P(All, TileShapes,
                         testing::Values(TileShape{{14, 14, 64}, 32, 1}, TileShape{{7, 7, 96}, 64, 1},
                                         TileShape{{1, 1, 32}, 32, 1}, TileShape{{2, 9, 32}, 96, 1},
                                         TileShape{{5, 37, 32}, 32, 1}, TileShape{{20, 18, 160}, 32, 1},
                                         TileShape{{14, 14, 64}, 32, 2}, TileShape{{9, 70, 32}, 64, 2},
                                         TileShape{{1, 2, 96}, 32, 2}, TileShape{{7, 7, 512}, 32, 1},
                                         TileShape{{14, 14, 64}, 64, 1, 1}, TileShape{{3, 5, 544}, 32, 1, 1}));

}  // namespace
}  // namespace prefiqs::engine
