"""The look: system fonts, warm greys, one accent colour."""

import gradio as gr

THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.indigo,
    neutral_hue=gr.themes.colors.stone,
    font=["system-ui", "-apple-system", "Segoe UI", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
    radius_size=gr.themes.sizes.radius_lg,
).set(
    body_background_fill="#fbfaf9",
    body_background_fill_dark="#121213",
    background_fill_primary_dark="#1b1b1d",
    background_fill_secondary="#f2f0ee",
    background_fill_secondary_dark="#242427",
    body_text_color_subdued="#6b6560",
    body_text_color_subdued_dark="#a8a29e",
    color_accent="#4f46e5",
    color_accent_soft_dark="#312e81",
    block_border_width="0px",
    block_background_fill="transparent",
    block_background_fill_dark="transparent",
    block_shadow="none",
)
