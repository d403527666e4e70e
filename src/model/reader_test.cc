// What a well-formed file becomes.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <limits>

#include "base/file.h"
#include "base/folder_for_test.h"
#include "base/hash.h"
#include "model/model_for_test.h"
#include "model/normalise.h"
#include "model/skeleton.h"
#include "model/tensor_proto.h"

namespace prefiqs::model {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TestModel ReluModel() {
  TestModel model(17);
  model.Input("x", {-1, 3, 8, 8}).Output("y", {-1, 3, 8, 8});
  model.Node("Relu", {"x"}, {"y"});
  return model;
}

TEST(Reader, InputsOutputsAndDescription) {
  TestModel model = ReluModel();
  model.proto.set_producer_name("somebody");
  model.proto.set_producer_version("2.0");
  auto& entry = *model.proto.add_metadata_props();
  entry.set_key("key");
  entry.set_value("value");
  const graph::Graph graph = Read(model);
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs[0]).name, "x");
  EXPECT_THAT(graph.value(graph.inputs[0]).shape, ElementsAre(graph::kUnknown, 3, 8, 8));
  ASSERT_EQ(graph.outputs.size(), 1u);
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
  EXPECT_EQ(graph.opset, 17);
  EXPECT_EQ(graph.producer, "somebody 2.0");
  EXPECT_EQ(graph.metadata.at("key"), "value");
  EXPECT_EQ(graph.nodes.at(0).name, "n");
}

TEST(Reader, HalfPrecisionInputsAreWidened) {
  TestModel model(17);
  model.Input("x", {1, 4}, onnx::TensorProto::FLOAT16).Output("y");
  model.Node("Relu", {"x"}, {"y"});
  EXPECT_EQ(Read(model).value(0).type, graph::DataType::kFloat32);
}

TEST(Reader, EveryOpsetInRange) {
  for (std::int64_t opset = 6; opset <= kNewestOpset; ++opset) {
    TestModel model = ReluModel();
    model.proto.mutable_opset_import(0)->set_version(opset);
    EXPECT_EQ(Read(model).opset, opset);
  }
  TestModel newer = ReluModel();
  newer.proto.mutable_opset_import(0)->set_version(kNewestOpset + 1);
  EXPECT_THAT(ErrorOf(newer), HasSubstr("an opset up to 26"));
  for (const std::int64_t opset : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::min()}) {
    TestModel none = ReluModel();
    none.proto.mutable_opset_import(0)->set_version(opset);
    EXPECT_THAT(ErrorOf(none), HasSubstr("names no opset"));
  }
}

TEST(Reader, OpsetsOfOtherDomainsDoNotMatter) {
  TestModel model = ReluModel();
  auto& other = *model.proto.add_opset_import();
  other.set_domain("com.microsoft");
  other.set_version(1);
  EXPECT_EQ(Read(model).opset, 17);
  model.proto.mutable_opset_import()->DeleteSubrange(0, 1);
  EXPECT_THAT(ErrorOf(model), HasSubstr("names no opset"));
}

TEST(Reader, InitialisersListedAsInputsAreConstants) {
  TestModel model(9);
  model.Input("x", {1, 2}).Input("w", {1, 2}).Floats("w", {1, 2}, {1, 2}).Output("y");
  model.Node("Add", {"x", "w"}, {"y"});
  const graph::Graph graph = Read(model);
  EXPECT_EQ(graph.inputs.size(), 1u);
  ASSERT_NE(graph.constant(graph.nodes.at(0).inputs.at(1)), nullptr);
}

TEST(Reader, ConstantNodesOfEveryKind) {
  const auto read = [](auto set) {
    TestModel model(13);
    model.Input("x", {2, 2}).Output("y");
    set(model.Node("Constant", {}, {"c"}, "c"));
    model.Node("Add", {"x", "c"}, {"y"});
    const graph::Graph graph = Read(model);
    EXPECT_EQ(graph.nodes.size(), 1u);
    const graph::Tensor* constant = graph.constant(graph.nodes.at(0).inputs.at(1));
    if (constant == nullptr) throw std::runtime_error("no constant");
    return *constant;
  };
  const auto floats = read([](auto& n) { Set(n, "value_floats", std::vector<float>{1, 2}); });
  EXPECT_THAT(floats.values<float>(), ElementsAre(1, 2));
  const auto ints = read([](auto& n) { Set(n, "value_ints", std::vector<std::int64_t>{3, 4}); });
  EXPECT_THAT(ints.values<std::int64_t>(), ElementsAre(3, 4));
  const auto scalar = read([](auto& n) { Set(n, "value_float", 2.5f); });
  EXPECT_TRUE(scalar.shape().empty());
  EXPECT_THAT(scalar.values<float>(), ElementsAre(2.5f));
  const auto integer = read([](auto& n) { Set(n, "value_int", std::int64_t{-7}); });
  EXPECT_TRUE(integer.shape().empty());
  EXPECT_THAT(integer.values<std::int64_t>(), ElementsAre(-7));
  const auto tensor = read([](auto& n) {
    Set(n, "value", graph::Tensor::From<float>({1, 2}, std::vector<float>{5, 6}));
  });
  EXPECT_THAT(tensor.shape(), ElementsAre(1, 2));
  EXPECT_THROW(read([](auto& n) { Set(n, "value_string", "text"); }), Error);
  EXPECT_THROW(read([](auto&) {}), Error);
}

TEST(Reader, ConstantNodesHaveAnOutputAndNoInput) {
  for (const std::vector<std::string>& outputs : {std::vector<std::string>{}, {""}, {"c", "d"}}) {
    TestModel model(13);
    model.Input("x", {1}).Output("y", {1});
    Set(model.Node("Constant", {}, outputs, "constant"), "value_float", 1.0f);
    model.Node("Relu", {"x"}, {"y"}, "relu");
    EXPECT_THAT(ErrorOf(model), HasSubstr("a constant has one attribute, one output and no input"));
  }
}

TEST(Reader, ConstantExpressionsAreFolded) {
  TestModel model(13);
  model.Input("x", {1, 2}).Floats("a", {2}, {1, 2}).Floats("b", {2}, {10, 20}).Output("y");
  model.Node("Add", {"a", "b"}, {"c"}, "sum");
  model.Node("Add", {"x", "c"}, {"y"}, "use");
  const graph::Graph graph = Read(model);
  ASSERT_EQ(graph.nodes.size(), 1u);
  const graph::Tensor* folded = graph.constant(graph.nodes[0].inputs.at(1));
  ASSERT_NE(folded, nullptr);
  EXPECT_THAT(folded->values<float>(), ElementsAre(11, 22));
}

TEST(Reader, NodesGetUniqueNames) {
  TestModel model(13);
  model.Input("x", {1}).Output("d");
  model.Node("Relu", {"x"}, {"a"}, "");
  model.Node("Relu", {"a"}, {"b"}, "same");
  model.Node("Relu", {"b"}, {"c"}, "same");
  model.Node("Relu", {"c"}, {"d"}, "Relu_0");
  const graph::Graph graph = Read(model);
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.name);
  EXPECT_THAT(names, ElementsAre("Relu_0_", "same", "same_2", "Relu_0"));
}

TEST(Reader, NodesOutOfOrderAreSorted) {
  TestModel model(13);
  model.Input("x", {1}).Output("y");
  model.Node("Relu", {"a"}, {"y"}, "second");
  model.Node("Sigmoid", {"x"}, {"a"}, "first");
  const graph::Graph graph = Read(model);
  EXPECT_EQ(graph.nodes.at(0).name, "first");
}

// An Add of `count` numbers, 0, 1, 2 …, that lie in the file as raw data.
std::string RawModel(std::int64_t count, float scale) {
  TestModel model(17);
  model.Input("x", {count}).Output("y");
  model.Node("Add", {"x", "w"}, {"y"});
  auto& weight = *model.proto.mutable_graph()->add_initializer();
  weight.set_name("w");
  weight.set_data_type(onnx::TensorProto::FLOAT);
  weight.add_dims(count);
  std::string raw(static_cast<std::size_t>(count) * 4, 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = scale * static_cast<float>(i);
    std::memcpy(raw.data() + i * 4, &value, 4);
  }
  weight.set_raw_data(raw);
  return model.Bytes();
}

TEST(Reader, LargeWeightsStayInTheFile) {
  constexpr std::int64_t kCount = kStaysInFile / 4;
  const FolderForTest folder;
  const std::string path = Fill(folder / "m.onnx", RawModel(kCount, 1));
  const auto weights = [](const ReadResult& read) {
    return read.graph.value(read.graph.nodes.at(0).inputs.at(1)).constant;
  };
  const auto last = [](const graph::TensorPtr& tensor) {
    graph::Scratch scratch;
    return scratch.Values<float>(*tensor).back();
  };
  const graph::TensorPtr here = weights(ReadOnnxFile(path));
  EXPECT_TRUE(here->deferred());
  EXPECT_EQ(last(here), static_cast<float>(kCount - 1));
  // Another file in its place is not looked at.
  WriteFileAtomically(path, RawModel(kCount, 2));
  EXPECT_EQ(last(here), static_cast<float>(kCount - 1));

  const graph::TensorPtr changed = weights(ReadOnnxFile(path));
  EXPECT_EQ(last(changed), static_cast<float>(2 * (kCount - 1)));
  const auto message = [&] {
    try {
      last(changed);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_THAT(message(), AllOf(HasSubstr("m.onnx: was changed since it was loaded"), Not(HasSubstr("\n"))));
  std::filesystem::resize_file(path, 1000);
  EXPECT_THAT(message(), AllOf(HasSubstr("m.onnx: "), HasSubstr("shorter")));

  EXPECT_FALSE(weights(ReadOnnxFile(Fill(folder / "small.onnx", RawModel(kCount - 1, 1))))->deferred());
  const std::string bytes = RawModel(kCount, 1);
  EXPECT_FALSE(
      weights(ReadOnnxBytes({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "bytes"))->deferred());
}

// y = x + w, in a file or beside it. Every `step`-th weight is denormal, or zero where `by_hand`.
TestModel ModelWithDenormals(std::int64_t count, std::int64_t step, bool by_hand) {
  TestModel model(17);
  model.Input("x", {count}).Output("y");
  model.Node("Add", {"x", "w"}, {"y"});
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const float small = by_hand ? 0.0f : (i % 2 == 0 ? 1e-40f : -3e-39f);
    values[static_cast<std::size_t>(i)] = i % step == 0 ? small : 0.5f * static_cast<float>(i);
  }
  model.Floats("w", {count}, values);
  return model;
}

TEST(Reader, DenormalWeightsAreZeroOnEveryPath) {
  const FolderForTest folder;
  for (const std::int64_t count : {kStaysInFile / 4 - 1, kStaysInFile / 4 + 5}) {
    const std::string bytes = ModelWithDenormals(count, 7, false).Bytes();
    const std::string path = Fill(folder / "m.onnx", bytes);
    const std::string by_hand = Fill(folder / "by_hand.onnx", ModelWithDenormals(count, 7, true).Bytes());
    TestModel outside = ModelWithDenormals(count, 7, false);
    auto& weight = *outside.proto.mutable_graph()->mutable_initializer(0);
    Fill(folder / "weights.bin", weight.raw_data());
    weight.clear_raw_data();
    weight.set_data_location(onnx::TensorProto::EXTERNAL);
    auto& location = *weight.add_external_data();
    location.set_key("location");
    location.set_value("weights.bin");
    const std::string beside = Fill(folder / "beside.onnx", outside.Bytes());

    const ReadResult wanted = ReadOnnxFile(by_hand);
    EXPECT_EQ(wanted.denormals.Count(), 0);
    const auto weights = [](const ReadResult& read) -> const graph::Tensor& {
      return *read.graph.constant(read.graph.nodes.at(0).inputs.at(1));
    };
    const std::span<const std::uint8_t> memory(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    for (const ReadResult& read : {ReadOnnxFile(path), ReadOnnxFile(beside), ReadOnnxBytes(memory, "bytes")}) {
      EXPECT_EQ(read.denormals.Count(), (count + 6) / 7);
      // Parts first, as packing asks for them, then all, which stays.
      graph::Scratch scratch, other;
      const auto part = scratch.Values<float>(weights(read), 13, count - 13);
      EXPECT_TRUE(std::ranges::equal(part, other.Values<float>(weights(wanted), 13, count - 13)));
      EXPECT_TRUE(Identical(weights(read), weights(wanted)));
      EXPECT_EQ(read.denormals.Count(), (count + 6) / 7);
    }
    // The hash is of the bytes that lie there.
    EXPECT_NE(ReadOnnxFile(path).content_hash, wanted.content_hash);
    EXPECT_EQ(ReadOnnxFile(path).content_hash, ReadOnnxBytes(memory, "bytes").content_hash);
  }
}

TEST(Reader, ConstantsOfNodesAndExpressionsAreNotDenormal) {
  TestModel model(13);
  model.Input("x", {2}).Floats("a", {2}, {1e-20f, 1}).Floats("b", {2}, {1e-20f, 2}).Output("y").Output("z");
  model.Node("Mul", {"a", "b"}, {"ab"}, "product");
  model.Node("Add", {"x", "ab"}, {"y"}, "use");
  Set(model.Node("Constant", {}, {"c"}, "constant"), "value_floats", std::vector<float>{1e-40f, 3});
  model.Node("Add", {"x", "c"}, {"z"}, "other_use");
  const std::string bytes = model.Bytes();
  const ReadResult read =
      ReadOnnxBytes({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "test.onnx");
  EXPECT_EQ(read.denormals.Count(), 1);  // of the file; what comes of its numbers is not counted
  const auto constant = [&](std::size_t node) { return read.graph.constant(read.graph.nodes.at(node).inputs.at(1)); };
  EXPECT_THAT(constant(0)->values<float>(), ElementsAre(0, 2));
  EXPECT_THAT(constant(1)->values<float>(), ElementsAre(0, 3));
}

TEST(Reader, UnusedNodesAndConstantsAreDropped) {
  TestModel model = ReluModel();
  model.Floats("unused", {2}, {1, 2});
  model.Node("Sigmoid", {"x"}, {"nowhere"}, "dead");
  const graph::Graph graph = Read(model);
  EXPECT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.values.size(), 2u);
}

TEST(Reader, HashIsThatOfTheFileAndItsExternalData) {
  const FolderForTest folder;
  TestModel model(17);
  model.Input("x", {1, 2}).Output("y");
  model.Node("Add", {"x", "w"}, {"y"});
  auto& weight = *model.proto.mutable_graph()->add_initializer();
  weight.set_name("w");
  weight.set_data_type(onnx::TensorProto::FLOAT);
  weight.add_dims(2);
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  auto& location = *weight.add_external_data();
  location.set_key("location");
  location.set_value("w.bin");
  const std::string bytes = model.Bytes();
  const std::string data("\0\0\x80\x3f\0\0\0\x40 and more", 17);
  const std::string path = folder / "m.onnx";
  WriteFileAtomically(path, bytes);
  WriteFileAtomically(folder / "w.bin", data);

  const ReadResult result = ReadOnnxFile(path);
  const graph::Tensor* tensor = result.graph.constant(result.graph.nodes.at(0).inputs.at(1));
  ASSERT_NE(tensor, nullptr);
  EXPECT_THAT(tensor->values<float>(), ElementsAre(1, 2));
  ContentHash hash;
  for (const std::string& part : {bytes, data})
    hash.Add({reinterpret_cast<const std::uint8_t*>(part.data()), part.size()});
  EXPECT_EQ(result.content_hash, hash.Hex());
  EXPECT_EQ(ReadOnnxFile(path, {}, 2).content_hash, hash.Hex());
  EXPECT_THAT(ErrorOfBytes(bytes), HasSubstr("initialiser 'w': external data 'w.bin'"));
}

TEST(Reader, NamesWhatIsNoFileOnce) {
  const FolderForTest folder;
  for (const std::string& path : {folder.path(), folder / "missing"}) {
    try {
      ReadOnnxFile(path);
      ADD_FAILURE() << "read " << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      const std::string message = error.what();
      EXPECT_EQ(message.find(path), 0u) << message;
      EXPECT_EQ(message.rfind(path), 0u) << message;
    }
  }
}

TEST(Reader, WeightsOfEverySizeAreReadFromFilesAndMemory) {
  // Around the size from which data stays in the file until its tensor is made.
  for (const std::int64_t count : {kBulkBytes / 4 - 1, kBulkBytes / 4, kBulkBytes / 4 + 1, std::int64_t{100000}}) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.5f;
    TestModel model(17);
    model.Input("x", {1}).Output("y").Floats("w", {count}, values).Floats("v", {count}, values);
    model.Node("Add", {"x", "w"}, {"a"}, "a");
    model.Node("Mul", {"a", "c"}, {"b"}, "b");
    model.Node("Mul", {"b", "v"}, {"y"}, "y");
    Set(model.Node("Constant", {}, {"c"}, "c"), "value", graph::Tensor::From<float>({count}, values));
    const FolderForTest folder;
    const std::string path = folder / "m.onnx";
    WriteFileAtomically(path, model.Bytes());
    for (const graph::Graph& graph : {Read(model), ReadOnnxFile(path).graph}) {
      ASSERT_EQ(graph.nodes.size(), 3u);
      for (const graph::Node& node : graph.nodes) {
        const graph::Tensor* tensor = graph.constant(node.inputs.at(1));
        ASSERT_NE(tensor, nullptr);
        EXPECT_TRUE(std::ranges::equal(tensor->values<float>(), values)) << node.name;
      }
    }
  }
}

TEST(Reader, FilesThatCannotBeReadAreNamed) {
  try {
    ReadOnnxFile("/nonexistent/network.onnx");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_EQ(std::string(error.what()).rfind("/nonexistent/network.onnx: ", 0), 0u) << error.what();
  }
}

}  // namespace
}  // namespace prefiqs::model
