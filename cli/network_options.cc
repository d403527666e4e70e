#include "cli/network_options.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "cli/arguments.h"
#include "cli/messages.h"

namespace prefiqs::cli {
namespace {

std::string PresetHelp() {
  std::string text = "Preprocessing of a family of networks:";
  for (const PreprocessingPreset& preset : preprocessing_presets()) {
    text += fmt::format("\n  {}: {}", preset.name, preset.families);
  }
  return text;
}

std::string TemplateHelp() {
  std::string text = fmt::format(
      "By what ArcFace's 112×112 template is scaled to the network's input [as stored with the network, "
      "else {}]:",
      crop_templates().front().name);
  for (const CropTemplateInfo& row : crop_templates()) text += fmt::format("\n  {}: {}", row.name, row.rule);
  return text;
}

PictureSize ParseSize(const std::string& text) {
  PictureSize size;
  const char* const end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size.width);
  const bool goes_on = width.ec == std::errc() && width.ptr != end && *width.ptr == 'x';
  const auto height = goes_on ? std::from_chars(width.ptr + 1, end, size.height) : width;
  if (!goes_on || height.ec != std::errc() || height.ptr != end || size.width < 1 || size.height < 1) {
    throw Error(ErrorCode::kUsage, fmt::format("--size {}: WIDTHxHEIGHT in pixels, as in 112x112", text));
  }
  return size;
}

std::string Numbers(const std::array<float, 3>& values) {
  if (values[0] == values[1] && values[1] == values[2]) return fmt::format("{}", values[0]);
  return fmt::format("{}", fmt::join(values, ","));
}

}  // namespace

void AddModelOption(CLI::App& app, NetworkArguments& arguments) {
  app.add_option("--model", arguments.model,
                 "Face recognition network, an ONNX file: aligned face in, embedding out. Preprocessing, recipe and "
                 "calibration may lie beside it in FILE.json [default: the one that comes with prefiqs, good for a "
                 "first look]")
      ->type_name("FILE|default");
}

void AddPreprocessingOptions(CLI::App& app, NetworkArguments& arguments) {
  app.add_option("--preset", arguments.preset, PresetHelp())->type_name("NAME");
  app.add_option("--channels", arguments.channels, "Channel order of the network's input: rgb or bgr")
      ->type_name("ORDER");
  app.add_option("--mean", arguments.mean,
                 "The network gets (x - mean) / scale of 0-255 values: one number or three, in "
                 "the network's channel order")
      ->type_name("M");
  app.add_option("--scale", arguments.scale, "See --mean")->type_name("S");
  app.add_option("--sidecar", arguments.sidecar,
                 "The file with preprocessing, recipe and calibration of the network, which calibrate writes, in place "
                 "of FILE.json beside it")
      ->type_name("FILE.json");
  app.add_option("--template", arguments.crop_template, TemplateHelp())->type_name("NAME");
  app.add_option("--size", arguments.size,
                 "Size of the pictures that the network gets, where its file leaves that open [as stored with the "
                 "network, else 112x112]")
      ->type_name("WIDTHxHEIGHT");
  app.add_option("--output-name", arguments.output,
                 "Which output is the embedding [as stored with the network, else the only one of 16 or more numbers "
                 "beside outputs of one number a face]")
      ->type_name("NAME");
}

Network LoadNetwork(const NetworkArguments& arguments, int threads) {
  const bool single = !arguments.channels.empty() || !arguments.mean.empty() || !arguments.scale.empty();
  NetworkOptions options;
  options.tells_quality = arguments.tells_quality;
  options.threads = threads;
  options.sidecar = arguments.sidecar;
  options.new_sidecar = arguments.new_sidecar;
  if (!arguments.preset.empty()) {
    if (single) {
      throw Error(ErrorCode::kUsage, "--preset excludes --channels, --mean and --scale: it stands for all three");
    }
    options.preprocessing = Preprocessing::preset(arguments.preset);
  } else if (single) {
    Preprocessing preprocessing;
    if (arguments.channels == "bgr") {
      preprocessing.channels = ChannelOrder::kBgr;
    } else if (!arguments.channels.empty() && arguments.channels != "rgb") {
      throw Error(ErrorCode::kUsage, fmt::format("--channels {}: rgb or bgr", arguments.channels));
    }
    if (!arguments.mean.empty()) preprocessing.mean = ParseNumbers(arguments.mean, "--mean");
    if (!arguments.scale.empty()) preprocessing.scale = ParseNumbers(arguments.scale, "--scale");
    for (const float scale : preprocessing.scale) {
      if (scale == 0) throw Error(ErrorCode::kUsage, "--scale 0: values are divided by it");
    }
    options.preprocessing = preprocessing;
  }
  if (!arguments.size.empty()) options.size = ParseSize(arguments.size);
  options.output = arguments.output;
  if (!arguments.crop_template.empty()) options.crop_template = crop_template(arguments.crop_template);
  const bool ours = arguments.model.empty() || arguments.model == "default";
  return Network::load(ours ? default_network() : arguments.model, options);
}

std::string Describe(const Preprocessing& preprocessing) {
  std::string text = fmt::format("{}, (x - {}) / {}", preprocessing.channels == ChannelOrder::kRgb ? "rgb" : "bgr",
                                 Numbers(preprocessing.mean), Numbers(preprocessing.scale));
  if (preprocessing.crop_template != crop_templates().front().value) {
    text += fmt::format(", template {}", info(preprocessing.crop_template).name);
  }
  if (preprocessing.size != PictureSize{}) {
    text += fmt::format(", {}x{} pixels", preprocessing.size.width, preprocessing.size.height);
  }
  return text;
}

std::string Describe(const std::optional<Calibration>& calibration) {
  if (!calibration) return "none";
  return fmt::format("{} faces ({}, {}), recipe {}", calibration->faces, calibration->source, calibration->date,
                     calibration->recipe.name());
}

void SayRemarks(const Network& network) {
  for (const std::string& remark : network.remarks()) Say(fmt::format("prefiqs: {}: {}\n", network.path(), remark));
}

void WarnIfAssumed(const Network& network) {
  SayRemarks(network);
  if (network.preprocessing_source() != PreprocessingSource::kAssumed) return;
  Say(fmt::format(
      "prefiqs: warning: nothing says how {} wants its pixels; assuming {}. A wrong order or scale spoils every "
      "score: give --preset NAME (or --channels, --mean, --scale)\n",
      network.path(), Describe(network.preprocessing())));
}

}  // namespace prefiqs::cli
