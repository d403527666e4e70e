#include "engine/onednn/library.h"

#include <fmt/format.h>

namespace prefiqs::engine::onednn {
namespace {

constexpr auto kForward = dnnl::prop_kind::forward_inference;

#if DNNL_VERSION_MAJOR >= 3

template <typename Primitive, typename... Members>
auto Describe(const dnnl::engine& engine, const Attributes& attributes, const Members&... members) {
  return typename Primitive::primitive_desc(engine, members..., attributes);
}

// Source and target of one layout.
template <typename Maker>
auto InOneLayout(const Desc& layout, const Maker& make) {
  return make(layout, layout);
}

#else

template <typename Primitive, typename... Members>
auto Describe(const dnnl::engine& engine, const Attributes& attributes, const Members&... members) {
  return typename Primitive::primitive_desc(typename Primitive::desc(members...), attributes, engine);
}

template <typename Maker>
auto InOneLayout(const Desc& layout, const Maker& make) {
  return make(layout);
}

#endif

}  // namespace

Desc RowMajor(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return Desc(dims, dnnl::memory::data_type::f32, strides);
}

std::string LibraryVersion() {
  const dnnl_version_t& version = *dnnl::version();
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

#if DNNL_VERSION_MAJOR >= 3

Dims DimsOf(const Desc& desc) { return desc.get_dims(); }
dnnl::memory::data_type TypeOf(const Desc& desc) { return desc.get_data_type(); }
std::int64_t OffsetOf(const Desc& desc) { return desc.get_submemory_offset(); }

// Only layouts of integer weights store something beside the elements, and 3.x does not say so; no plan has such.
bool IsBlocked(const Desc& desc) { return desc.get_format_kind() == dnnl::memory::format_kind::blocked; }

bool IsRowMajor(const Desc& desc) {
  if (!IsBlocked(desc) || desc.get_inner_nblks() != 0) return false;
  const Dims dims = desc.get_dims(), padded = desc.get_padded_dims(), strides = desc.get_strides();
  std::int64_t stride = 1;
  for (std::size_t d = dims.size(); d-- > 0; stride *= dims[d]) {
    if (dims[d] != padded[d] || (dims[d] != 1 && strides[d] != stride)) return false;
  }
  return true;
}

std::int64_t RowsInBlock(const Desc& desc) {
  const Dims sizes = desc.get_inner_blks(), dimensions = desc.get_inner_idxs();
  std::int64_t rows = 1;
  for (std::size_t i = 0; i < sizes.size(); ++i) rows *= dimensions[i] == 0 ? sizes[i] : 1;
  return rows;
}

#else

Dims DimsOf(const Desc& desc) { return desc.dims(); }
dnnl::memory::data_type TypeOf(const Desc& desc) { return desc.data_type(); }
std::int64_t OffsetOf(const Desc& desc) { return desc.data.offset0; }

bool IsBlocked(const Desc& desc) {
  return desc.data.format_kind == dnnl_blocked && desc.data.extra.flags == dnnl_memory_extra_flag_none;
}

bool IsRowMajor(const Desc& desc) {
  const dnnl_memory_desc_t& all = desc.data;
  const dnnl_blocking_desc_t& blocking = all.format_desc.blocking;
  if (!IsBlocked(desc) || blocking.inner_nblks != 0) return false;
  std::int64_t stride = 1;
  for (int d = all.ndims; d-- > 0; stride *= all.dims[d]) {
    if (all.dims[d] != all.padded_dims[d] || (all.dims[d] != 1 && blocking.strides[d] != stride)) return false;
  }
  return true;
}

std::int64_t RowsInBlock(const Desc& desc) {
  const dnnl_blocking_desc_t& blocking = desc.data.format_desc.blocking;
  std::int64_t rows = 1;
  for (int i = 0; i < blocking.inner_nblks; ++i) rows *= blocking.inner_idxs[i] == 0 ? blocking.inner_blks[i] : 1;
  return rows;
}

#endif

std::string_view NameOf(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
#if DNNL_VERSION_MAJOR >= 3
    case dnnl::cpu_isa::avx2_vnni_2:
      return "avx2_vnni_2";
    case dnnl::cpu_isa::avx512_core_fp16:
      return "avx512_core_fp16";
    case dnnl::cpu_isa::avx512_core_amx_fp16:
      return "avx512_core_amx_fp16";
#endif
    default:
      return "unknown";
  }
}

void AppendEltwise(dnnl::post_ops& post_ops, dnnl::algorithm algorithm, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  post_ops.append_eltwise(algorithm, alpha, beta);
#else
  post_ops.append_eltwise(1.0f, algorithm, alpha, beta);
#endif
}

dnnl::convolution_forward::primitive_desc DescribeConvolution(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                              const Desc& source, const Desc& weights, const Desc* bias,
                                                              const Desc& target, const Windows& windows,
                                                              const Attributes& attributes) {
  const auto describe = [&](const auto&... operands) {
    return Describe<dnnl::convolution_forward>(engine, attributes, kForward, algorithm, operands..., target,
                                               windows.strides, windows.dilations, windows.pads_begin,
                                               windows.pads_end);
  };
  return bias != nullptr ? describe(source, weights, *bias) : describe(source, weights);
}

dnnl::inner_product_forward::primitive_desc DescribeInnerProduct(const dnnl::engine& engine, const Desc& source,
                                                                 const Desc& weights, const Desc* bias,
                                                                 const Desc& target, const Attributes& attributes) {
  const auto describe = [&](const auto&... operands) {
    return Describe<dnnl::inner_product_forward>(engine, attributes, kForward, operands..., target);
  };
  return bias != nullptr ? describe(source, weights, *bias) : describe(source, weights);
}

dnnl::matmul::primitive_desc DescribeProduct(const dnnl::engine& engine, const Desc& a, const Desc& b,
                                             const Desc& target, const Attributes& attributes) {
  return Describe<dnnl::matmul>(engine, attributes, a, b, target);
}

dnnl::binary::primitive_desc DescribeBinary(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& left,
                                            const Desc& right, const Attributes& attributes) {
  return Describe<dnnl::binary>(engine, attributes, algorithm, left, right, left);
}

dnnl::reduction::primitive_desc DescribeReduction(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                  const Desc& source, const Desc& target, float p,
                                                  const Attributes& attributes) {
  return Describe<dnnl::reduction>(engine, attributes, algorithm, source, target, p, 0.0f);
}

dnnl::resampling_forward::primitive_desc DescribeResampling(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                            const Desc& source, const Desc& target,
                                                            const Attributes& attributes) {
  return Describe<dnnl::resampling_forward>(engine, attributes, kForward, algorithm, source, target);
}

dnnl::eltwise_forward::primitive_desc DescribeEltwise(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                      const Desc& layout, float alpha, float beta,
                                                      const Attributes& attributes) {
  return InOneLayout(layout, [&](const auto&... layouts) {
    return Describe<dnnl::eltwise_forward>(engine, attributes, kForward, algorithm, layouts..., alpha, beta);
  });
}

dnnl::batch_normalization_forward::primitive_desc DescribeBatchNormalization(const dnnl::engine& engine,
                                                                             const Desc& layout, float epsilon,
                                                                             const Attributes& attributes) {
  using Flags = dnnl::normalization_flags;
  return InOneLayout(layout, [&](const auto&... layouts) {
    return Describe<dnnl::batch_normalization_forward>(engine, attributes, kForward, layouts..., epsilon,
                                                       Flags::use_global_stats | Flags::use_scale | Flags::use_shift);
  });
}

dnnl::layer_normalization_forward::primitive_desc DescribeLayerNormalization(const dnnl::engine& engine,
                                                                             const Desc& layout, float epsilon,
                                                                             bool has_shift,
                                                                             const Attributes& attributes) {
  using Flags = dnnl::normalization_flags;
  const Flags flags = has_shift ? Flags::use_scale | Flags::use_shift : Flags::use_scale;
  return InOneLayout(layout, [&](const auto&... layouts) {
    return Describe<dnnl::layer_normalization_forward>(engine, attributes, kForward, layouts..., epsilon, flags);
  });
}

dnnl::softmax_forward::primitive_desc DescribeSoftmax(const dnnl::engine& engine, const Desc& layout, int axis,
                                                      const Attributes& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  constexpr auto kAlgorithm = dnnl::algorithm::softmax_accurate;
  return Describe<dnnl::softmax_forward>(engine, attributes, kForward, kAlgorithm, layout, layout, axis);
#else
  return Describe<dnnl::softmax_forward>(engine, attributes, kForward, layout, axis);
#endif
}

dnnl::prelu_forward::primitive_desc DescribePRelu(const dnnl::engine& engine, const Desc& layout, const Desc& slopes,
                                                  const Attributes& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return Describe<dnnl::prelu_forward>(engine, attributes, kForward, layout, slopes, layout);
#else
  return Describe<dnnl::prelu_forward>(engine, attributes, kForward, layout, slopes);
#endif
}

dnnl::pooling_forward::primitive_desc DescribePooling(const dnnl::engine& engine, dnnl::algorithm algorithm,
                                                      const Desc& source, const Desc& target, const Dims& kernel,
                                                      const Windows& windows, const Attributes& attributes) {
  const auto describe = [&](const auto&... dilations) {
    return Describe<dnnl::pooling_forward>(engine, attributes, kForward, algorithm, source, target, windows.strides,
                                           kernel, dilations..., windows.pads_begin, windows.pads_end);
  };
#if DNNL_VERSION_MAJOR >= 3
  return describe(Dims(kernel.size(), 0));
#else
  return describe();
#endif
}

dnnl::concat::primitive_desc DescribeConcat(const dnnl::engine& engine, const Desc& target, int axis,
                                            const std::vector<Desc>& sources, const Attributes& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, target, axis, sources, attributes};
#else
  return {target, axis, sources, engine, attributes};
#endif
}

}  // namespace prefiqs::engine::onednn
