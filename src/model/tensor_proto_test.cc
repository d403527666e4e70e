// Each element type in each encoding.
#include "model/tensor_proto.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>

#include "base/folder_for_test.h"
#include "model/model_for_test.h"

namespace prefiqs::model {
namespace {

using graph::DataType;
using graph::Tensor;
using onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor Take(TensorProto proto, std::int64_t budget = 1 << 20) {
  const MemorySource no_file({});
  ExternalData none("");
  ConstantBudget left{budget};
  DenormalCount denormals;
  return TakeTensor(proto, "t", {no_file, none}, left, denormals);
}

std::string MessageOf(const TensorProto& proto, std::int64_t budget = 1 << 20) {
  try {
    Take(proto, budget);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModel);
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return "";
}

TensorProto Proto(std::int32_t type, const std::vector<std::int64_t>& dims) {
  TensorProto proto;
  proto.set_data_type(type);
  for (const std::int64_t dim : dims) proto.add_dims(dim);
  return proto;
}

template <typename T>
TensorProto Raw(std::int32_t type, const std::vector<T>& values) {
  TensorProto proto = Proto(type, {static_cast<std::int64_t>(values.size())});
  proto.set_raw_data(values.data(), values.size() * sizeof(T));
  return proto;
}

template <typename T>
std::vector<T> ValuesOf(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return std::vector<T>(values.begin(), values.end());
}

TEST(TensorProto, RawDataOfEveryType) {
  EXPECT_THAT(ValuesOf<float>(Take(Raw<float>(TensorProto::FLOAT, {1.5f, -2}))), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(ValuesOf<float>(Take(Raw<double>(TensorProto::DOUBLE, {1.5, 0.1}))), ElementsAre(1.5f, 0.1f));
  EXPECT_THAT(ValuesOf<std::int32_t>(Take(Raw<std::int8_t>(TensorProto::INT8, {-128, 127}))), ElementsAre(-128, 127));
  EXPECT_THAT(ValuesOf<std::int32_t>(Take(Raw<std::uint8_t>(TensorProto::UINT8, {0, 255}))), ElementsAre(0, 255));
  EXPECT_THAT(ValuesOf<std::int32_t>(Take(Raw<std::int16_t>(TensorProto::INT16, {-32768, 1}))), ElementsAre(-32768, 1));
  EXPECT_THAT(ValuesOf<std::int32_t>(Take(Raw<std::uint16_t>(TensorProto::UINT16, {65535}))), ElementsAre(65535));
  EXPECT_THAT(ValuesOf<std::int32_t>(Take(Raw<std::int32_t>(TensorProto::INT32, {-7}))), ElementsAre(-7));
  EXPECT_THAT(ValuesOf<std::int64_t>(Take(Raw<std::uint32_t>(TensorProto::UINT32, {4294967295u}))),
              ElementsAre(4294967295));
  EXPECT_THAT(ValuesOf<std::int64_t>(Take(Raw<std::int64_t>(TensorProto::INT64, {-1}))), ElementsAre(-1));
  EXPECT_THAT(ValuesOf<std::int64_t>(Take(Raw<std::uint64_t>(TensorProto::UINT64, {5}))), ElementsAre(5));
  EXPECT_THAT(ValuesOf<bool>(Take(Raw<std::uint8_t>(TensorProto::BOOL, {0, 1, 2}))), ElementsAre(false, true, true));
}

TEST(TensorProto, Float16IsExact) {
  // Zero, minus zero, smallest subnormal, largest subnormal, smallest normal, one, -2, largest, infinities.
  const std::vector<std::uint16_t> bits{0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xc000, 0x7bff, 0x7c00, 0xfc00};
  const auto values = ValuesOf<float>(Take(Raw<std::uint16_t>(TensorProto::FLOAT16, bits)));
  constexpr float kInf = std::numeric_limits<float>::infinity();
  EXPECT_THAT(values, ElementsAre(0.0f, -0.0f, std::ldexp(1.0f, -24), std::ldexp(1023.0f, -24), std::ldexp(1.0f, -14),
                                  1.0f, -2.0f, 65504.0f, kInf, -kInf));
  EXPECT_TRUE(std::signbit(values[1]));
  EXPECT_TRUE(std::isnan(ValuesOf<float>(Take(Raw<std::uint16_t>(TensorProto::FLOAT16, {0x7e01})))[0]));
}

TEST(TensorProto, Bfloat16IsTheUpperHalfOfAFloat) {
  EXPECT_THAT(ValuesOf<float>(Take(Raw<std::uint16_t>(TensorProto::BFLOAT16, {0x3f80, 0xc020}))),
              ElementsAre(1.0f, -2.5f));
}

TEST(TensorProto, TypedDataOfEveryType) {
  const auto filled = [](std::int32_t type, auto fill) {
    TensorProto proto = Proto(type, {2});
    fill(proto);
    return Take(proto);
  };
  const auto int32s = [](std::int32_t a, std::int32_t b) {
    return [=](TensorProto& proto) {
      proto.add_int32_data(a);
      proto.add_int32_data(b);
    };
  };
  EXPECT_THAT(ValuesOf<float>(filled(TensorProto::FLOAT, [](auto& p) { p.add_float_data(1), p.add_float_data(2); })),
              ElementsAre(1, 2));
  EXPECT_THAT(ValuesOf<float>(filled(TensorProto::DOUBLE, [](auto& p) { p.add_double_data(1), p.add_double_data(2); })),
              ElementsAre(1, 2));
  EXPECT_THAT(
      ValuesOf<std::int64_t>(filled(TensorProto::INT64, [](auto& p) { p.add_int64_data(1), p.add_int64_data(-2); })),
      ElementsAre(1, -2));
  for (const auto type : {TensorProto::UINT32, TensorProto::UINT64}) {
    EXPECT_THAT(ValuesOf<std::int64_t>(filled(type, [](auto& p) { p.add_uint64_data(1), p.add_uint64_data(2); })),
                ElementsAre(1, 2));
  }
  for (const auto type : {TensorProto::INT32, TensorProto::INT16, TensorProto::INT8}) {
    EXPECT_THAT(ValuesOf<std::int32_t>(filled(type, int32s(-3, 4))), ElementsAre(-3, 4));
  }
  for (const auto type : {TensorProto::UINT16, TensorProto::UINT8}) {
    EXPECT_THAT(ValuesOf<std::int32_t>(filled(type, int32s(3, 4))), ElementsAre(3, 4));
  }
  EXPECT_THAT(ValuesOf<bool>(filled(TensorProto::BOOL, int32s(0, 1))), ElementsAre(false, true));
  EXPECT_THAT(ValuesOf<float>(filled(TensorProto::FLOAT16, int32s(0x3c00, 0xc000))), ElementsAre(1.0f, -2.0f));
  EXPECT_THAT(ValuesOf<float>(filled(TensorProto::BFLOAT16, int32s(0x3f80, 0xc020))), ElementsAre(1.0f, -2.5f));
}

TEST(TensorProto, ScalarsAndEmptyTensors) {
  TensorProto scalar = Proto(TensorProto::FLOAT, {});
  scalar.add_float_data(3);
  EXPECT_TRUE(Take(scalar).shape().empty());
  EXPECT_EQ(Take(Proto(TensorProto::INT64, {0})).count(), 0);
  EXPECT_EQ(Take(Proto(TensorProto::FLOAT, {2, 0, 3})).count(), 0);
}

TEST(TensorProto, DataAndShapeMustAgree) {
  TensorProto raw = Raw<float>(TensorProto::FLOAT, {1, 2, 3});
  raw.set_dims(0, 4);
  EXPECT_THAT(MessageOf(raw), HasSubstr("wants 16 bytes of data, it has 12"));
  TensorProto odd = Proto(TensorProto::FLOAT, {1});
  odd.set_raw_data("abc");
  EXPECT_THAT(MessageOf(odd), HasSubstr("wants 4 bytes of data, it has 3"));
  TensorProto typed = Proto(TensorProto::FLOAT, {2});
  typed.add_float_data(1);
  EXPECT_THAT(MessageOf(typed), HasSubstr("wants 2 elements, its data has 1"));
  TensorProto wrong_field = Proto(TensorProto::FLOAT, {1});
  wrong_field.add_int64_data(1);
  EXPECT_THAT(MessageOf(wrong_field), HasSubstr("of another type"));
  TensorProto twice = Raw<float>(TensorProto::FLOAT, {1});
  twice.add_float_data(1);
  EXPECT_THAT(MessageOf(twice), HasSubstr("more than once"));
}

TEST(TensorProto, BadDimensionsAreRefusedBeforeMemoryIsAskedFor) {
  EXPECT_THAT(MessageOf(Proto(TensorProto::FLOAT, {-1})), HasSubstr("t: "));
  EXPECT_THAT(MessageOf(Proto(TensorProto::FLOAT, {std::int64_t{1} << 39})), HasSubstr("its data has 0"));
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(MessageOf(Proto(TensorProto::FLOAT, {huge, huge})), HasSubstr("t: "));
  EXPECT_THAT(MessageOf(Proto(TensorProto::FLOAT, {std::int64_t{1} << 32, std::int64_t{1} << 32, 0, -5})),
              HasSubstr("t: "));
}

TEST(TensorProto, TheBudgetCountsWidenedBytes) {
  const TensorProto proto = Raw<std::uint8_t>(TensorProto::UINT8, std::vector<std::uint8_t>(100));
  EXPECT_EQ(Take(proto, 400).count(), 100);
  EXPECT_THAT(MessageOf(proto, 399), HasSubstr("larger than the limit"));
}

TEST(TensorProto, ValuesThatDoNotFitAreRefused) {
  EXPECT_THAT(MessageOf(Raw<std::uint64_t>(TensorProto::UINT64, {std::uint64_t{1} << 63})), HasSubstr("does not fit"));
  TensorProto byte = Proto(TensorProto::UINT8, {1});
  byte.add_int32_data(256);
  EXPECT_THAT(MessageOf(byte), HasSubstr("does not fit"));
  TensorProto half = Proto(TensorProto::FLOAT16, {1});
  half.add_int32_data(0x10000);
  EXPECT_THAT(MessageOf(half), HasSubstr("16-bit"));
}

TEST(TensorProto, TypesThatDoNotRunAreNamed) {
  EXPECT_THAT(MessageOf(Proto(TensorProto::STRING, {0})), HasSubstr("STRING"));
  EXPECT_THAT(MessageOf(Proto(TensorProto::COMPLEX64, {0})), HasSubstr("COMPLEX64"));
  EXPECT_THAT(MessageOf(Proto(23, {0})), HasSubstr("FLOAT4"));
  EXPECT_THAT(MessageOf(Proto(99, {0})), HasSubstr("number 99"));
  EXPECT_THAT(MessageOf(Proto(TensorProto::UNDEFINED, {0})), HasSubstr("UNDEFINED"));
}

TEST(TensorProto, ThereAndBack) {
  const Tensor tensor = Tensor::From<std::int64_t>({2, 2}, std::vector<std::int64_t>{1, -2, 3, std::int64_t{1} << 40});
  EXPECT_TRUE(Identical(Take(ToProto(tensor, "name")), tensor));
  EXPECT_EQ(ToProto(tensor, "name").name(), "name");
}

// Values as they are taken, and how many of them were denormal.
std::pair<std::vector<float>, std::int64_t> TakeCounting(TensorProto proto) {
  const MemorySource no_file({});
  ExternalData none("");
  ConstantBudget left{1 << 20};
  DenormalCount denormals;
  const auto values = ValuesOf<float>(TakeTensor(proto, "t", {no_file, none}, left, denormals));
  return {values, denormals.Count()};
}

TEST(TensorProto, DenormalsBecomeZero) {
  constexpr float kNormal = 1.17549435e-38f;
  const auto raw = TakeCounting(Raw<float>(TensorProto::FLOAT, {1e-40f, -1e-45f, kNormal, -0.0f, 2}));
  EXPECT_THAT(raw.first, ElementsAre(0.0f, 0.0f, kNormal, 0.0f, 2.0f));
  EXPECT_FALSE(std::signbit(raw.first[1]));
  EXPECT_TRUE(std::signbit(raw.first[3]));
  EXPECT_EQ(raw.second, 2);

  TensorProto typed = Proto(TensorProto::FLOAT, {2});
  typed.add_float_data(1e-39f);
  typed.add_float_data(3);
  EXPECT_THAT(TakeCounting(typed), testing::Pair(ElementsAre(0.0f, 3.0f), 1));
  // Of wider and narrower types what counts is the float that they become.
  EXPECT_THAT(TakeCounting(Raw<double>(TensorProto::DOUBLE, {1e-42, 1e-60, 1e-30})),
              testing::Pair(ElementsAre(0.0f, 0.0f, 1e-30f), 1));
  EXPECT_THAT(TakeCounting(Raw<std::uint16_t>(TensorProto::BFLOAT16, {0x0001, 0x807f, 0x0080})),
              testing::Pair(ElementsAre(0.0f, 0.0f, kNormal), 2));
  EXPECT_THAT(TakeCounting(Raw<std::uint16_t>(TensorProto::FLOAT16, {0x0001, 0x03ff})),
              testing::Pair(ElementsAre(0x1p-24f, 1023 * 0x1p-24f), 0));
}

struct ExternalFile {
  ExternalFile() { Fill(folder / "weights.bin", {reinterpret_cast<const char*>(kValues), sizeof kValues}); }
  static TensorProto Describe(const std::string& location, const std::string& offset, const std::string& length) {
    TensorProto proto = Proto(TensorProto::FLOAT, {2});
    proto.set_data_location(TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      auto& entry = *proto.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    add("location", location);
    add("offset", offset);
    add("length", length);
    return proto;
  }
  std::vector<float> Take(const std::string& location, const std::string& offset = "",
                          const std::string& length = "") const {
    ExternalData external(folder.path());
    const MemorySource no_file({});
    ConstantBudget budget{1 << 20};
    DenormalCount denormals;
    TensorProto proto = Describe(location, offset, length);
    return ValuesOf<float>(TakeTensor(proto, "t", {no_file, external}, budget, denormals));
  }
  std::string MessageOf(const std::string& location, const std::string& offset = "",
                        const std::string& length = "") const {
    try {
      Take(location, offset, length);
    } catch (const Error& error) {
      return error.what();
    }
    ADD_FAILURE() << location << " was accepted";
    return "";
  }
  static constexpr float kValues[] = {1, 2, 3, 4};
  FolderForTest folder;
};

TEST(ExternalTensors, AreReadAtTheirOffset) {
  const ExternalFile file;
  EXPECT_THAT(file.Take("weights.bin"), ElementsAre(1, 2));
  EXPECT_THAT(file.Take("weights.bin", "8", "8"), ElementsAre(3, 4));
  EXPECT_THAT(file.Take("./weights.bin", "4"), ElementsAre(2, 3));
  std::filesystem::create_directory(file.folder / "below");
  std::filesystem::rename(file.folder / "weights.bin", file.folder / "below/w");
  EXPECT_THAT(file.Take("below/w"), ElementsAre(1, 2));
  std::filesystem::create_symlink("below/w", file.folder / "link");
  EXPECT_THAT(file.Take("link"), ElementsAre(1, 2));
}

TEST(ExternalTensors, RangesAreChecked) {
  const ExternalFile file;
  EXPECT_THAT(file.MessageOf("weights.bin", "12"), HasSubstr("it has 16"));
  EXPECT_THAT(file.MessageOf("weights.bin", "9223372036854775807"), HasSubstr("it has 16"));
  EXPECT_THAT(file.MessageOf("weights.bin", "99999999999999999999"), HasSubstr("not a number"));
  EXPECT_THAT(file.MessageOf("weights.bin", "-4"), HasSubstr("not a number"));
  EXPECT_THAT(file.MessageOf("weights.bin", "0", "16"), HasSubstr("wants 8 bytes"));
}

TEST(ExternalTensors, MustLieInTheFolder) {
  const ExternalFile file;
  const FolderForTest elsewhere;
  Fill(elsewhere / "secret", "0123456789abcdef");
  const std::string in_folder = "must lie in the network's folder";
  EXPECT_THAT(file.MessageOf(elsewhere / "secret"), HasSubstr(in_folder));
  EXPECT_THAT(file.MessageOf("../" + std::filesystem::path(elsewhere.path()).filename().string() + "/secret"),
              HasSubstr(in_folder));
  EXPECT_THAT(file.MessageOf("a/../../x"), HasSubstr(in_folder));
  std::filesystem::create_symlink(elsewhere / "secret", file.folder / "link");
  std::filesystem::create_directory_symlink(elsewhere.path(), file.folder / "folder");
  EXPECT_THAT(file.MessageOf("link"), HasSubstr("symbolic link"));
  EXPECT_THAT(file.MessageOf("folder/secret"), HasSubstr("symbolic link"));
  EXPECT_THAT(file.MessageOf("missing"), HasSubstr("No such file"));
  EXPECT_THAT(file.MessageOf("."), HasSubstr("not a regular file"));
  EXPECT_THAT(file.MessageOf(""), HasSubstr("not a file name"));
  EXPECT_THAT(MessageOf(ExternalFile::Describe("weights.bin", "", "")), HasSubstr("not read from a file"));
}

}  // namespace
}  // namespace prefiqs::model
