// `prefiqs inspect`.
#include <fmt/format.h>
#include <prefiqs/network.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/network_options.h"
#include "cli/recipe_options.h"
#include "cli/table.h"

namespace prefiqs::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  prefiqs inspect arcface.onnx
  prefiqs inspect arcface.onnx --sparsity 0.2 --scope channel --json | jq '.layers[] | {name, pruned}'

Sizes are for one picture; MACs are the multiply-adds of convolutions and matrix products.)";

std::string_view Name(PreprocessingSource source) {
  switch (source) {
    case PreprocessingSource::kOption:
      return "option";
    case PreprocessingSource::kMetadata:
      return "metadata";
    case PreprocessingSource::kSidecar:
      return "sidecar";
    case PreprocessingSource::kAssumed:
      return "assumed";
  }
  return "";
}

std::string Explain(const Network& network, PreprocessingSource source) {
  switch (source) {
    case PreprocessingSource::kOption:
      return "from the options";
    case PreprocessingSource::kMetadata:
      return "from the file's metadata";
    case PreprocessingSource::kSidecar:
      return fmt::format("from {}", network.sidecar());
    case PreprocessingSource::kAssumed:
      return "assumed: nothing says it; give --preset NAME";
  }
  return "";
}

std::string Shape(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t side : shape) {
    text += fmt::format("{}{}", text.empty() ? "" : "x", side < 0 ? "?" : std::to_string(side));
  }
  return text.empty() ? "scalar" : text;
}

std::string Percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? std::string("0 %")
                    : fmt::format("{:.2f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

void PrintTable(const Network& network, const Recipe& recipe, const Inspection& inspection) {
  std::vector<std::vector<std::string>> facts;
  for (const TensorInfo& t : inspection.inputs)
    facts.push_back({"input", fmt::format("{} {} {}", t.name, t.type, Shape(t.shape))});
  for (const TensorInfo& t : inspection.outputs)
    facts.push_back({"output", fmt::format("{} {} {}", t.name, t.type, Shape(t.shape))});
  facts.push_back({"preprocessing", fmt::format("{} ({})", Describe(network.preprocessing()),
                                                Explain(network, network.preprocessing_source()))});
  facts.push_back(
      {"file", fmt::format("opset {}{}{}, content {}", inspection.opset, inspection.producer.empty() ? "" : ", by ",
                           inspection.producer, network.content_hash())});
  facts.push_back({"recipe", recipe.name()});
  const std::optional<Calibration> calibration = network.calibration();
  facts.push_back(
      {"calibration", Describe(calibration) + (calibration ? ", content " + calibration->content_hash() : "")});
  facts.push_back({"parameters", Grouped(inspection.parameters)});
  facts.push_back({"MACs", Grouped(inspection.macs)});
  facts.push_back({"prunable", Grouped(inspection.prunable)});
  facts.push_back(
      {"pruned", fmt::format("{} ({})", Grouped(inspection.pruned), Percent(inspection.pruned, inspection.prunable))});
  if (inspection.denormals > 0) {
    facts.push_back({"denormal", fmt::format("{} {}, taken as zero", Grouped(inspection.denormals),
                                             WordFor(inspection.denormals, "number"))});
  }
  facts.push_back({"instruction set", inspection.instruction_set});
  fmt::print("{}\n", FormatTable({{network.path()}, {""}}, facts));

  std::vector<std::vector<std::string>> rows;
  for (const LayerInfo& layer : inspection.layers) {
    rows.push_back({layer.name, layer.op, Shape(layer.shape), Grouped(layer.parameters), Grouped(layer.macs),
                    Grouped(layer.prunable), Grouped(layer.pruned), layer.implementation});
  }
  fmt::print("{}", FormatTable({{"layer"},
                                {"operator"},
                                {"output"},
                                {"parameters", Align::kRight},
                                {"MACs", Align::kRight},
                                {"prunable", Align::kRight},
                                {"pruned", Align::kRight},
                                {"implementation"}},
                               rows));
}

nlohmann::ordered_json Tensors(const std::vector<TensorInfo>& tensors) {
  auto list = nlohmann::ordered_json::array();
  for (const TensorInfo& t : tensors) {
    auto shape = nlohmann::ordered_json::array();
    for (const std::int64_t side : t.shape)
      shape.push_back(side < 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(side));
    list.push_back({{"name", t.name}, {"type", t.type}, {"shape", shape}});
  }
  return list;
}

void PrintJson(const Network& network, const Recipe& recipe, const Inspection& inspection) {
  nlohmann::ordered_json object;
  object["path"] = network.path();
  object["network"] = network.content_hash();
  object["opset"] = inspection.opset;
  object["producer"] = inspection.producer;
  object["inputs"] = Tensors(inspection.inputs);
  object["outputs"] = Tensors(inspection.outputs);
  object["preprocessing"] = nlohmann::ordered_json::parse(network.preprocessing().to_json());
  object["preprocessing_source"] = Name(network.preprocessing_source());
  object["recipe"] = nlohmann::ordered_json::parse(recipe.to_json());
  object["recipe_name"] = recipe.name();
  const std::optional<Calibration> calibration = network.calibration();
  object["calibration"] =
      calibration ? nlohmann::ordered_json::parse(calibration->to_json()) : nlohmann::ordered_json();
  object["calibration_hash"] =
      calibration ? nlohmann::ordered_json(calibration->content_hash()) : nlohmann::ordered_json();
  object["parameters"] = inspection.parameters;
  object["macs"] = inspection.macs;
  object["prunable"] = inspection.prunable;
  object["pruned"] = inspection.pruned;
  object["denormals"] = inspection.denormals;
  object["instruction_set"] = inspection.instruction_set;
  auto layers = nlohmann::ordered_json::array();
  for (const LayerInfo& layer : inspection.layers) {
    layers.push_back({{"name", layer.name},
                      {"operator", layer.op},
                      {"shape", layer.shape},
                      {"parameters", layer.parameters},
                      {"macs", layer.macs},
                      {"prunable", layer.prunable},
                      {"pruned", layer.pruned},
                      {"implementation", layer.implementation}});
  }
  object["layers"] = std::move(layers);
  fmt::print("{}\n", object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

int RunInspect(const Words& words) {
  CLI::App app("What a network is made of, what a recipe takes from it, and what runs it.", "prefiqs inspect");
  NetworkArguments network;
  RecipeArguments recipe;
  bool json = false;
  app.add_option("MODEL", network.model, "Face recognition network, an ONNX file")->required()->type_name("");
  app.add_flag("--json", json, "As JSON");
  AddPreprocessingOptions(app, network);
  AddRecipeOptions(app, recipe);
  app.footer(kExamples);
  if (!Parse(app, words)) return 0;
  const std::optional<Recipe> wanted = MakeRecipe(recipe);
  const Network loaded = LoadNetwork(network);
  SayRemarks(loaded);
  CheckAutoRecipe(recipe, loaded);
  if (wanted && loaded.is_pruned() && wanted != loaded.stored_recipe()) {
    throw Error(
        ErrorCode::kRecipe,
        fmt::format("{}: is a pruned copy already: of another recipe than its own nothing can be told; give the "
                    "network it was made from",
                    loaded.path()));
  }
  const Recipe used = wanted ? *wanted : loaded.stored_recipe().value_or(Recipe{});
  const Inspection inspection = loaded.inspect(used);
  if (json) {
    PrintJson(loaded, used, inspection);
  } else {
    PrintTable(loaded, used, inspection);
  }
  return 0;
}

}  // namespace prefiqs::cli
