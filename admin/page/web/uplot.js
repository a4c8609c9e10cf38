/** uPlot. The browser gets the text of this package at this path; editors come here. */
import "npm:uplot@1.6.32/dist/uPlot.iife.min.js";
